"""What Argilla's server looks up over and over within one request, looked up once.

Whether a user is a member of a workspace it asks for each value of each record's metadata that its page is to show.
Before each look SQLAlchemy goes through what the server has set on the records so far. Where it left out a value that
the user may not see, that is even written, though never committed: such a page waits for SQLite's one write lock. Who
sends a request the server looks up twice, with all their workspaces.

What was found is kept in the session, which is the request's own, and forgotten as soon as that writes or ends.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session

_FOUND = "quandary_found"


class Member(Protocol):
    """What a user has to have: Argilla's model of one does."""

    id: UUID

    @property
    def current_async_session(self) -> AsyncSession | None:
        """The session of the request that loaded the user."""
        ...


IsMember = Callable[[Any, UUID], Awaitable[bool]]
UserByName = Callable[[AsyncSession, str], Awaitable[Any]]


def forget_when_written() -> None:
    """From now on every session forgets what was found when it writes, commits or rolls back."""
    event.listen(Session, "do_orm_execute", _unless_it_reads)
    event.listen(Session, "after_flush", _forget)
    event.listen(Session, "after_transaction_end", _forget)


def membership(is_member: IsMember) -> IsMember:
    """Wrap ``User.is_member``. A user without a session is looked up every time."""

    async def looked_up(user: Member, workspace_id: UUID) -> bool:
        session = user.current_async_session
        if session is None:
            return await is_member(user, workspace_id)
        key = ("member", user.id, workspace_id)
        if (found := session.info.get(_FOUND, {}).get(key)) is None:
            found = await is_member(user, workspace_id)
            session.info.setdefault(_FOUND, {})[key] = found  # a new one if the look itself has written
        return bool(found)

    return looked_up


def user_by_name(get_user: UserByName) -> UserByName:
    """Wrap ``accounts.get_user_by_username``. That there is no such user is looked up every time."""

    async def looked_up(session: AsyncSession, username: str) -> Any:
        key = ("user", username)
        if (found := session.info.get(_FOUND, {}).get(key)) is None:
            found = await get_user(session, username)
            session.info.setdefault(_FOUND, {})[key] = found
        return found

    return looked_up


def _unless_it_reads(state: ORMExecuteState) -> None:
    if not state.is_select:
        state.session.info.pop(_FOUND, None)


def _forget(session: Session, _: object) -> None:
    session.info.pop(_FOUND, None)
