"""Users of the queue, in the real server, and by the commands that manage them."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import cli
from labeling.accounts import Account, Role
from labeling.annotator import Annotator
from labeling.desk import Desk
from labeling.embedded import EmbeddedArgilla
from models.errors import LabelingError
from tests.labeling.made import question

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def desk(argilla: EmbeddedArgilla) -> Desk:
    return Desk(argilla.url, argilla.credentials.api_key, [question("accounts")])


async def test_a_new_password_ends_the_old_one_and_none_is_kept(argilla: EmbeddedArgilla, desk: Desk) -> None:
    async with desk:
        old, new = await desk.add_annotator("ann-pass"), await desk.add_annotator("ann-pass")
    with pytest.raises(LabelingError, match="401"):
        async with Annotator(argilla.url, "ann-pass", old):
            pass
    async with Annotator(argilla.url, "ann-pass", new) as ann:
        assert await ann.dataset()
    kept = b"".join(file.read_bytes() for file in argilla.home.iterdir() if file.is_file())
    assert new.encode() not in kept


@pytest.mark.parametrize("role", list(Role))
async def test_roles_are_argillas(argilla: EmbeddedArgilla, desk: Desk, role: Role) -> None:
    async with desk:
        password = await desk.add_annotator(f"as-{role}", role)
        assert Account(name=f"as-{role}", role=role) in await desk.annotators()
        async with Annotator(argilla.url, f"as-{role}", password) as person:
            assert (await person.call("GET", "/api/v1/me"))["role"] == role
            everything = person.call("GET", f"/api/v1/datasets/{await person.dataset()}/records")
            users = person.call("GET", "/api/v1/users")
            for call, allowed in ((everything, role is not Role.ANNOTATOR), (users, role is Role.OWNER)):
                if allowed:
                    assert "items" in await call
                else:
                    with pytest.raises(LabelingError, match="403"):
                        await call
        with pytest.raises(LabelingError, match=f"exists in Argilla as {role}"):
            await desk.add_annotator(f"as-{role}", Role.ADMIN if role is not Role.ADMIN else Role.OWNER)


async def test_who_is_removed_sees_nothing_until_added_again(argilla: EmbeddedArgilla, desk: Desk) -> None:
    async with desk:
        password = await desk.add_annotator("ann-gone")
        await desk.remove_annotator("ann-gone")
        assert "ann-gone" not in {account.name for account in await desk.annotators()}
        async with Annotator(argilla.url, "ann-gone", password) as ann:
            with pytest.raises(LabelingError, match="sees no dataset"):
                await ann.dataset()
        with pytest.raises(LabelingError, match="nobody named ann-gone"):
            await desk.remove_annotator("ann-gone")
        with pytest.raises(LabelingError, match="is an owner"):
            await desk.remove_annotator("owner")
        async with Annotator(argilla.url, "ann-gone", await desk.add_annotator("ann-gone")) as ann:
            assert await ann.dataset()


@pytest.mark.parametrize("name", ["", "  ", "a\nb"])
async def test_a_name_that_is_none_is_refused(desk: Desk, name: str) -> None:
    async with desk:
        with pytest.raises(LabelingError, match="cannot be a user's name"):
            await desk.add_annotator(name)


async def test_only_an_owner_may(argilla: EmbeddedArgilla, desk: Desk) -> None:
    async with desk:
        password = await desk.add_annotator("ann-admin", Role.ADMIN)
    async with Annotator(argilla.url, "ann-admin", password) as admin:
        key = (await admin.call("GET", "/api/v1/me"))["api_key"]
    async with Desk(argilla.url, key, [question("accounts")]) as theirs:
        with pytest.raises(LabelingError, match="only the API key of an owner"):
            await theirs.add_annotator("ann-more")


async def test_the_commands(argilla: EmbeddedArgilla, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[argilla]\nurl = "{argilla.url}"\napi_key_env = "QUANDARY_TEST_ARGILLA_KEY"\n')
    environment = {"QUANDARY_TEST_ARGILLA_KEY": argilla.credentials.api_key}

    def quandary(*words: str) -> str:
        ran = CliRunner().invoke(cli, ["--config", str(config), "annotators", *words], env=environment)
        return f"{ran.exit_code} {ran.stdout}"

    added = await asyncio.to_thread(quandary, "add", "cli-bea", "--role", "admin")
    assert added.startswith(f"0 {argilla.url}  user cli-bea  password ")
    async with Annotator(argilla.url, "cli-bea", added.split()[-1]) as bea:
        assert await bea.dataset()
    assert "admin      cli-bea\n" in await asyncio.to_thread(quandary, "list")
    assert (await asyncio.to_thread(quandary, "remove", "cli-bea")).startswith("0 cli-bea no longer")
    assert "cli-bea" not in await asyncio.to_thread(quandary, "list")
    assert not (await asyncio.to_thread(quandary, "remove", "nobody")).startswith("0")


async def test_help_says_that_a_password_is_shown_once() -> None:
    assert "shown this once" in " ".join(CliRunner().invoke(cli, ["annotators", "add", "--help"]).stdout.split())
