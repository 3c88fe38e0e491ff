"""A real Matrix server for tests: Synapse in an environment of its own, on loopback, with SQLite and without limits."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
SERVER_NAME = "quandary.test"
SECRET, CLOCK_TOKEN = "register", "clock"
START_S = 150.0
_FREE = "{per_second: 100000, burst_count: 100000}"
_CONFIG = f"""
server_name: {SERVER_NAME}
report_stats: false
pid_file: {{folder}}/pid
signing_key_path: {{folder}}/signing.key
media_store_path: {{folder}}/media
log_config: {{folder}}/log.yaml
listeners: [{{{{port: {{port}}, type: http, bind_addresses: ["127.0.0.1"], resources: [{{{{names: [client]}}}}]}}}}]
database: {{{{name: sqlite3, args: {{{{database: {{folder}}/homeserver.db}}}}}}}}
registration_shared_secret: {SECRET}
bcrypt_rounds: 4
trusted_key_servers: []
presence: {{{{enabled: false}}}}
app_service_config_files: [{{folder}}/clock.yaml]
rc_message: {_FREE}
rc_joins: {{{{local: {_FREE}, remote: {_FREE}}}}}
rc_joins_per_room: {_FREE}
rc_invites: {{{{per_room: {_FREE}, per_user: {_FREE}, per_issuer: {_FREE}}}}}
rc_login: {{{{address: {_FREE}, account: {_FREE}, failed_attempts: {_FREE}}}}}
rc_admin_redaction: {_FREE}
""".replace("{per_second: 100000, burst_count: 100000}", "{{per_second: 100000, burst_count: 100000}}")
_LOG = """
version: 1
formatters: {plain: {format: "%(asctime)s %(levelname)s %(name)s %(message)s"}}
handlers: {file: {class: logging.FileHandler, formatter: plain, filename: FOLDER/homeserver.log}}
root: {level: WARNING, handlers: [file]}
disable_existing_loggers: false
"""
# An application service may say when something was said; nothing else here uses its rights.
_CLOCK = f"""
id: clock
url: null
as_token: {CLOCK_TOKEN}
hs_token: unused
sender_localpart: clock
rate_limited: false
namespaces: {{users: [{{exclusive: false, regex: "@.*"}}], rooms: [], aliases: []}}
"""


@dataclass(frozen=True)
class Account:
    user: str
    token: str


class Homeserver:
    """Starts, kills and starts again one server on one port; its folder keeps everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._running: subprocess.Popen[bytes] | None = None
        written = {
            "homeserver.yaml": _CONFIG.format(folder=folder, port=self.port),
            "log.yaml": _LOG.replace("FOLDER", str(folder)),
            "clock.yaml": _CLOCK,
            "signing.key": f"ed25519 a_test {base64.b64encode(secrets.token_bytes(32)).decode().rstrip('=')}\n",
        }
        for name, text in written.items():
            (folder / name).write_text(text, encoding="utf-8")

    def start(self) -> None:
        made = subprocess.run([ROOT / ".ci" / "synapse-venv", sys.executable], stdout=subprocess.PIPE, check=True)
        command = [made.stdout.decode().strip(), "-m", "synapse.app.homeserver", "-c", self.folder / "homeserver.yaml"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        with (self.folder / "output.log").open("ab") as output:
            self._running = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=self.folder, env=environment, start_new_session=True
            )
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._running.poll() is None:
            try:
                if httpx.get(f"{self.url}/_matrix/client/versions", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"Synapse did not start: {(self.folder / 'output.log').read_text(errors='replace')[-2000:]}")

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None

    def register(self, name: str) -> Account:
        """A new user; the name gets a suffix of its own."""
        name = f"{name}-{secrets.token_hex(3)}"
        with httpx.Client(base_url=self.url, timeout=60) as client:
            nonce = client.get("/_synapse/admin/v1/register").json()["nonce"]
            said = "\0".join((nonce, name, "password", "notadmin")).encode()
            mac = hmac.new(SECRET.encode(), said, hashlib.sha1).hexdigest()
            asked = {"nonce": nonce, "username": name, "password": "password", "admin": False, "mac": mac}
            answer = client.post("/_synapse/admin/v1/register", json=asked).raise_for_status().json()
        return Account(answer["user_id"], answer["access_token"])

    def member(self, name: str) -> "Member":
        return Member(self, self.register(name))


class Member:
    """A member as a plain client, without nio: what the bot reads was not written by what it reads with."""

    def __init__(self, server: Homeserver, account: Account) -> None:
        self.user, self.token = account.user, account.token
        self._client = httpx.Client(base_url=f"{server.url}/_matrix/client/v3", timeout=60)

    def call(self, method: str, path: str, body=None, *, token=None, **query):
        """One request, repeated while the server is away; a sent event's path makes it the same one."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        until = time.monotonic() + START_S
        while True:
            try:
                sent = None if method == "GET" else json.dumps(body or {})
                answer = self._client.request(method, path, content=sent, params=query, headers=headers)
                break
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def create_room(self, *invited: str, **more) -> str:
        body = {"preset": "private_chat", "invite": list(invited), **more}
        return self.call("POST", "/createRoom", body)["room_id"]

    def invite(self, room: str, user: str) -> None:
        self.call("POST", f"/rooms/{room}/invite", {"user_id": user})

    def join(self, room: str) -> None:
        self.call("POST", f"/join/{room}")

    def send(self, room: str, content: dict, kind: str = "m.room.message", at_ms: int | None = None) -> str:
        """Send an event, as if it had been sent ``at_ms`` where that is given; returns its id."""
        path = f"/rooms/{room}/send/{kind}/{uuid.uuid4().hex}"
        if at_ms is None:
            return self.call("PUT", path, content)["event_id"]
        return self.call("PUT", path, content, token=CLOCK_TOKEN, user_id=self.user, ts=at_ms)["event_id"]

    def say(self, room: str, text: str, at_ms: int | None = None, **more) -> str:
        return self.send(room, {"msgtype": "m.text", "body": text, **more}, at_ms=at_ms)

    def edit(self, room: str, event: str, text: str) -> str:
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": event}
        return self.send(room, {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": relation})

    def react(self, room: str, event: str, key: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return self.send(room, {"m.relates_to": relation}, "m.reaction")

    def redact(self, room: str, event: str) -> str:
        return self.call("PUT", f"/rooms/{room}/redact/{event}/{uuid.uuid4().hex}")["event_id"]

    def set_state(self, room: str, kind: str, content: dict) -> None:
        self.call("PUT", f"/rooms/{room}/state/{kind}/", content)

    def members(self, room: str) -> set[str]:
        """Who is in the room now."""
        return set(self.call("GET", f"/rooms/{room}/joined_members")["joined"])

    def history(self, room: str) -> list[dict]:
        """Everything that the room's members said, oldest first, as the server has it."""
        found, begin = [], {}
        while True:
            page = self.call("GET", f"/rooms/{room}/messages", dir="f", limit=200, **begin)
            found += [event for event in page["chunk"] if event["type"] == "m.room.message"]
            if "end" not in page:
                return found
            begin = {"from": page["end"]}
