"""Users, groups, memberships and organisations."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request

from sandbox.zendesk import errors, render
from sandbox.zendesk.backend import Backend, ids, me
from sandbox.zendesk.paging import page
from sandbox.zendesk.state import Membership, Ticket, User
from sandbox.zendesk.times import stamp


def routes(face: Blueprint, backend: Backend) -> None:
    """Register the endpoints."""
    _users(face, backend)
    _tickets_of_users(face, backend)
    _groups(face, backend)
    _organizations(face, backend)


def _users(face: Blueprint, backend: Backend) -> None:
    users = backend.account.users

    @face.get("/users")
    def users_list() -> dict[str, Any]:
        roles = request.args.getlist("role[]") or request.args.getlist("role") or ["end-user", "agent", "admin"]
        return page("users", [user for user in users.values() if user.role in roles], render.user)

    @face.get("/users/me")
    def users_me() -> dict[str, Any]:
        return {"user": render.user(me())}

    @face.get("/users/show_many")
    def users_show_many() -> dict[str, Any]:
        found = [users[number] for number in ids(100) if number in users]
        return page("users", found, render.user) | _beside(backend, found)

    @face.get("/users/search")
    def users_search() -> dict[str, Any]:
        query = request.args.get("query", "").removeprefix("email:").strip('"').lower()
        found = [user for user in users.values() if query and query in f"{user.name} {user.email}".lower()]
        return page("users", found, render.user)

    @face.get("/users/<int:number>")
    def users_show(number: int) -> dict[str, Any]:
        found = _user(backend, number)
        return {"user": render.user(found)} | _beside(backend, [found])


def _beside(backend: Backend, users: Sequence[User]) -> dict[str, Any]:
    """The organisations of the users, where `?include=organizations` asks for them, each once."""
    if "organizations" not in request.args.get("include", "").split(","):
        return {}
    homes = dict.fromkeys(user.organization_id for user in users if user.organization_id is not None)
    return {"organizations": [render.organization(backend.account.organizations[home]) for home in homes]}


def _user(backend: Backend, number: int) -> User:
    found = backend.account.users.get(number)
    if found is None:
        raise errors.not_found()
    return found


def _tickets_of_users(face: Blueprint, backend: Backend) -> None:
    def tickets_of(number: int, name: str) -> dict[str, Any]:
        user = _user(backend, number)
        found = [each for each in backend.account.tickets.values() if each[name] == user.id and not each.deleted]

        def show(ticket: Ticket) -> dict[str, Any]:
            return render.ticket(backend.account, ticket)

        backwards = request.args.get("sort_order") == "desc" or request.args.get("sort", "").startswith("-")
        return page("tickets", found[::-1] if backwards else found, show)

    @face.get("/users/<int:number>/tickets/requested")
    def users_requested(number: int) -> dict[str, Any]:
        return tickets_of(number, "requester_id")

    @face.get("/users/<int:number>/tickets/assigned")
    def users_assigned(number: int) -> dict[str, Any]:
        return tickets_of(number, "assignee_id")


def _groups(face: Blueprint, backend: Backend) -> None:
    groups = backend.account.groups

    @face.get("/groups")
    @face.get("/groups/assignable")
    def groups_list() -> dict[str, Any]:
        return page("groups", list(groups.values()), render.group)

    @face.get("/groups/<int:number>")
    def groups_show(number: int) -> dict[str, Any]:
        if number not in groups:
            raise errors.not_found()
        return {"group": render.group(groups[number])}

    @face.get("/group_memberships")
    @face.get("/group_memberships/assignable")
    @face.get("/groups/<int:group>/memberships")
    @face.get("/users/<int:user>/group_memberships")
    def memberships_list(group: int | None = None, user: int | None = None) -> dict[str, Any]:
        found = [
            each
            for each in backend.account.memberships
            if group in {None, each.group_id} and user in {None, each.user_id}
        ]
        return page("group_memberships", found, lambda each: _membership(backend, each))


def _membership(backend: Backend, shown: Membership) -> dict[str, Any]:
    return {
        "id": shown.id,
        "url": render.url(f"group_memberships/{shown.id}"),
        "user_id": shown.user_id,
        "group_id": shown.group_id,
        "default": backend.account.users[shown.user_id].group_ids[0] == shown.group_id,
        "created_at": stamp(shown.created_at),
        "updated_at": stamp(shown.created_at),
    }


def _organizations(face: Blueprint, backend: Backend) -> None:
    organizations = backend.account.organizations

    @face.get("/organizations")
    def organizations_list() -> dict[str, Any]:
        return page("organizations", list(organizations.values()), render.organization)

    @face.get("/organizations/show_many")
    def organizations_show_many() -> dict[str, Any]:
        found = [organizations[number] for number in ids(100) if number in organizations]
        return page("organizations", found, render.organization)

    @face.get("/organizations/<int:number>")
    def organizations_show(number: int) -> dict[str, Any]:
        if number not in organizations:
            raise errors.not_found()
        return {"organization": render.organization(organizations[number])}
