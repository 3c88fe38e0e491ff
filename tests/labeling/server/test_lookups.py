"""What a request looks up is looked up once, and never remembered beyond a write; on SQLAlchemy and SQLite."""

import uuid
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest_asyncio
from sqlalchemy import delete, event, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from labeling.server import lookups
from labeling.server.events import Unheard, when_heard

HERE = uuid.UUID(int=1)


class Table(DeclarativeBase):
    pass


class Link(Table):
    __tablename__ = "link"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    enabled: Mapped[bool] = mapped_column(default=True)


class Asked:
    """Argilla's own functions, as the wrappers see them: each call is one query."""

    def __init__(self) -> None:
        self.times = 0

    async def is_member(self, user: SimpleNamespace, workspace_id: uuid.UUID) -> bool:
        return workspace_id == HERE and await self.by_name(user.current_async_session, user.name) is not None

    async def by_name(self, session: AsyncSession, name: str) -> object | None:
        self.times += 1
        query = text("SELECT name FROM link WHERE name = :name")
        return (await session.execute(query, {"name": name})).scalar_one_or_none()


@pytest_asyncio.fixture
async def session() -> AsyncIterator[AsyncSession]:
    lookups.forget_when_written()
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all)
    try:
        async with AsyncSession(engine, expire_on_commit=False) as opened:
            yield opened
    finally:
        await engine.dispose()
        event.remove(Session, "do_orm_execute", lookups._unless_it_reads)
        for name in ("after_flush", "after_transaction_end"):
            event.remove(Session, name, lookups._forget)


def user_in(session: AsyncSession | None, name: str = "ann") -> SimpleNamespace:
    return SimpleNamespace(id=uuid.uuid5(HERE, name), name=name, current_async_session=session)


async def joined(session: AsyncSession, name: str = "ann") -> Link:
    link = Link(name=name)
    session.add(link)
    await session.commit()
    return link


async def test_a_membership_is_asked_once_for_each_user_and_workspace(session: AsyncSession) -> None:
    await joined(session)
    asked = Asked()
    is_member = lookups.membership(asked.is_member)
    ann, bob = user_in(session), user_in(session, "bob")
    assert [await is_member(ann, HERE) for _ in range(50)] == [True] * 50
    assert asked.times == 1
    assert [await is_member(bob, HERE) for _ in range(50)] == [False] * 50
    assert asked.times == 2
    assert not await is_member(ann, uuid.UUID(int=2))


async def test_who_leaves_a_workspace_is_out_in_the_same_request(session: AsyncSession) -> None:
    link = await joined(session)
    is_member = lookups.membership(Asked().is_member)
    ann = user_in(session)
    assert await is_member(ann, HERE)
    await session.delete(link)
    await session.flush()
    assert not await is_member(ann, HERE)
    await session.rollback()
    assert await is_member(ann, HERE)
    await session.execute(delete(Link))
    assert not await is_member(ann, HERE)


async def test_another_request_asks_for_itself(session: AsyncSession) -> None:
    await joined(session)
    asked = Asked()
    is_member = lookups.membership(asked.is_member)
    assert await is_member(user_in(session), HERE)
    await session.close()
    assert await is_member(user_in(session), HERE)
    assert asked.times == 2


async def test_a_user_is_fetched_once_and_an_unknown_name_every_time(session: AsyncSession) -> None:
    asked = Asked()
    by_name = lookups.user_by_name(asked.by_name)
    assert await by_name(session, "ann") is None
    await joined(session)
    assert [await by_name(session, "ann") for _ in range(3)] == ["ann"] * 3
    assert asked.times == 2


async def test_without_a_session_argillas_own_answer_stands() -> None:
    async def never(user: SimpleNamespace, workspace_id: uuid.UUID) -> bool:
        return False

    assert not await lookups.membership(never)(user_in(None), HERE)


async def test_an_event_is_built_only_while_a_webhook_is_switched_on(session: AsyncSession) -> None:
    built: list[object] = []

    async def build(_: AsyncSession, name: object, about: object) -> object:
        built.append((name, about))
        return "event"

    heard = when_heard(build, Link)
    silent = await heard(session, "created", 1)
    assert isinstance(silent, Unheard)
    assert await silent.notify(session) == []
    webhook = await joined(session)
    assert await heard(session, "created", 2) == "event"
    webhook.enabled = False
    await session.commit()
    assert isinstance(await heard(session, "created", 3), Unheard)
    assert built == [("created", 2)]
