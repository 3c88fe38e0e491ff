"""Who may work on the labelling queue: Argilla's users, and who of them is in the queue's workspace."""

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import httpx

from labeling.ownership import ANNOTATOR
from models.errors import LabelingError

_PASSWORD_BYTES = 12


class Role(StrEnum):
    """Argilla's roles.

    An annotator answers. An admin also sees everybody's answers, and changes records and settings of this workspace. An
    owner may do anything in all of Argilla, and manages users.
    """

    ANNOTATOR = "annotator"
    ADMIN = "admin"
    OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who sees the queue."""

    name: str
    role: Role


class Accounts:
    """The users of one workspace, through Argilla's HTTP API with an owner's key. Calls block; httpx errors pass."""

    def __init__(self, client: httpx.Client, workspace: UUID) -> None:
        self._client = client
        self._members = f"/api/v1/workspaces/{workspace}/users"

    def add(self, name: str, role: Role) -> str | None:
        """Give somebody a login and let them see the queue; returns the password, which is kept nowhere but hashed.

        Whom we added before gets a new password; who is in Argilla by other ways keeps theirs (None is returned).
        Raises LabelingError for a name without letters, and for one that exists with another role.
        """
        if not name.strip() or not name.isprintable():
            raise LabelingError(f"{name!r} cannot be a user's name; take one of printable characters")
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        user = self._find(name)
        if user is None:
            body = {"username": name, "first_name": name, "last_name": ANNOTATOR, "role": role.value}
            user = self._call("POST", "/api/v1/users", body | {"password": password})
        elif user["role"] != role:
            raise LabelingError(
                f"{name} exists in Argilla as {user['role']}, not {role}; choose another name, or --role {user['role']}"
            )
        elif user["last_name"] == ANNOTATOR:
            self._call("PATCH", f"/api/v1/users/{user['id']}", {"password": password})
        if user["id"] not in {member["id"] for member in self._call("GET", self._members)["items"]}:
            self._call("POST", self._members, {"user_id": user["id"]})
        return password if user["last_name"] == ANNOTATOR else None

    def all(self) -> list[Account]:
        """List the workspace's users, and the owners, who need not be in it; by name."""
        members = {member["id"] for member in self._call("GET", self._members)["items"]}
        users = [user for user in self._users() if user["id"] in members or user["role"] == Role.OWNER]
        return sorted((Account(name=user["username"], role=Role(user["role"])) for user in users), key=lambda a: a.name)

    def remove(self, name: str) -> None:
        """Shut somebody out of the workspace; user and answers stay in Argilla, since deleting one deletes the other.

        Raises LabelingError where nobody of that name is in it, and for owners, who see every workspace.
        """
        user = self._find(name)
        if user is not None and user["role"] == Role.OWNER:
            raise LabelingError(f"{name} is an owner and sees every workspace; only Argilla itself can change that")
        if user is None or user["id"] not in {member["id"] for member in self._call("GET", self._members)["items"]}:
            raise LabelingError(f"nobody named {name} works on the queue; `quandary annotators list` shows who does")
        self._call("DELETE", f"{self._members}/{user['id']}")

    def _users(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self._call("GET", "/api/v1/users")["items"]
        return listed

    def _find(self, name: str) -> dict[str, Any] | None:
        return next((user for user in self._users() if user["username"] == name), None)

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._client.request(method, path, json=body)
        if answer.status_code == httpx.codes.FORBIDDEN:
            raise LabelingError("only the API key of an owner of Argilla may manage users; set api_key_env to one")
        return answer.raise_for_status().json()
