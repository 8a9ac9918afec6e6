"""Intercom's manners on the wire: which version a call speaks, what its body says, who acts, and what refuses it."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response, jsonify, request

from sandbox.intercom.account import Workspace
from sandbox.intercom.errors import ApiError, invalid, mismatch, missing, not_found
from sandbox.intercom.inbox import Actor, Inbox, by_admin, by_contact
from sandbox.intercom.model import Attribute, Contact, Item, Part
from sandbox.intercom.render import Renderer
from sandbox.intercom.versions import Version

Json = dict[str, Any]

_TYPES = {str: "a string", int: "an integer", bool: "a boolean", dict: "an object", list: "an array"}


def error_list(error: ApiError, request_id: uuid.UUID) -> Response:
    """An `error.list` with one error."""
    told = {"code": error.code, "message": error.message} | ({"field": error.field} if error.field else {})
    response = jsonify({"type": "error.list", "request_id": str(request_id), "errors": [told]})
    response.status_code = error.status
    return response


def body() -> Json:
    """The JSON object that was sent. Raises ApiError (400)."""
    given = request.get_json(silent=True, force=True)
    if not isinstance(given, dict):
        raise ApiError(400, "bad_request", "The request body must be a JSON object")
    return given


def want(given: Json, name: str, kind: type) -> Any:
    """A parameter of this JSON type, None where it is absent or null. Raises ApiError (400)."""
    value = given.get(name)
    if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise mismatch(name, _TYPES[kind])
    return value


def need(given: Json, name: str, kind: type) -> Any:
    """A parameter of this JSON type that must be there, and not be empty text. Raises ApiError (400)."""
    value = want(given, name, kind)
    if value is None or value == "":
        raise missing(name)
    return value


def choice(given: Json, name: str, options: Iterable[str]) -> str:
    """A parameter that must be one of a few words. Raises ApiError (400)."""
    value, known = need(given, name, str), list(options)
    if value not in known:
        raise invalid(f"{name} must be one of {', '.join(known)}", name)
    return str(value)


def check_attributes(given: Any, known: Sequence[Attribute]) -> Json:
    """Values for custom attributes by name, as they were sent.

    The words for an unknown name are those of `POST /tickets/{id}/change_type`; that no two attributes may share a
    name is from the notice at `PUT /conversations/{id}`. Raises ApiError (400).
    """
    if not isinstance(given, dict):
        raise mismatch("attributes", "an object")
    live = [attribute for attribute in known if not attribute.archived]
    by_name = {attribute.name: attribute for attribute in live}
    if given and len(by_name) < len(live):
        raise invalid("Several custom attributes have the same name: rename or archive one of them")
    if extra := [name for name in given if name not in by_name]:
        raise invalid(f"Extra attributes provided that are not found: {', '.join(extra)}")
    for name, value in given.items():
        if not by_name[name].accepts(value):
            raise invalid(f"{name} does not take this value", name)
    return given


class Wire:
    """What a call says about itself, read against a workspace; `version` is the app's where the call names none."""

    def __init__(self, space: Workspace, version: str) -> None:
        self.space, self._version = space, version

    @property
    def version(self) -> Version:
        """The version that this call speaks. Raises ApiError (400)."""
        return Version.parse(request.headers.get("Intercom-Version", self._version))

    def check_version(self) -> None:
        """Before anything else: raises ApiError (400) where the call asks for a version that there is not."""
        _ = self.version

    @property
    def renderer(self) -> Renderer:
        """A renderer in this call's version; bodies as plain text where the call asks for that."""
        return Renderer(self.space, self.version, as_text=request.args.get("display_as") == "plaintext")

    @property
    def owner(self) -> Actor:
        """The admin who owns the token, acting through the API."""
        return by_admin(self.space.integration, "integration")

    def acting(self, given: Json) -> Actor:
        """The admin in whose name a call about a conversation or a tag acts: `admin_id`, text. Raises ApiError."""
        return self._admin(need(given, "admin_id", str), "admin_not_found", "Admin not found")

    def updating(self, given: Json) -> Actor:
        """The admin in whose name a ticket is updated: `admin_id`, a number, required where the update assigns.

        Raises ApiError, for an unknown admin in the words of the description's example.
        """
        admin_id = (need if "assignee_id" in given else want)(given, "admin_id", int)
        return self._admin(str(admin_id), "assignee_not_found", "Assignee not found") if admin_id else self.owner

    def _admin(self, admin_id: str, code: str, words: str) -> Actor:
        if admin_id not in self.space.admins:
            raise not_found(words, code)
        return by_admin(self.space.admins[admin_id], "integration")

    def replying(self, given: Json) -> Actor:
        """The contact in whose name a call replies: `intercom_user_id`, `user_id` or `email`. Raises ApiError."""
        keys = {"intercom_user_id": "id", "user_id": "external_id", "email": "email"}
        return by_contact(self.contact(given, keys), "integration")

    def contact(self, given: Json, keys: dict[str, str]) -> Contact:
        """The contact that one of the parameters names; `keys` say of which attribute. Raises ApiError."""
        name = next((name for name in keys if given.get(name)), None)
        if name is None:
            raise missing(next(iter(keys)))
        value = need(given, name, str)
        found = (one for one in self.space.contacts.values() if getattr(one, keys[name]) == value)
        if (contact := next(found, None)) is None:
            raise not_found("User Not Found")
        return contact

    def assignee(self, kind: str, assignee_id: str) -> str | None:
        """The admin or team of an id, None for nobody ("0"). Raises ApiError (404)."""
        if assignee_id == "0":
            return None
        if assignee_id not in (self.space.admins if kind == "admin" else self.space.teams):
            raise not_found("Assignee not found", "assignee_not_found")
        return assignee_id

    def company(self, given: Json) -> str | None:
        """The company that `company_id` names, None for none. Raises ApiError."""
        company_id: str | None = want(given, "company_id", str)
        if company_id is not None and company_id not in self.space.companies:
            raise not_found("Company Not Found", "company_not_found")
        return company_id

    def tag(self, acts: Inbox, item: Item, given: Json) -> Json:
        """Apply the tag of an id, in the name of `admin_id`. Raises ApiError (404 for an unknown tag)."""
        actor, tag_id = self.acting(given), need(given, "id", str)
        if tag_id not in self.space.tags:
            raise not_found()
        return self.renderer.tagging(acts.tag(item, actor, self.space.tags[tag_id]))

    def untag(self, acts: Inbox, item: Item, tag_id: str, given: Json) -> Json:
        """Take a tag off, in the name of `admin_id`. Raises ApiError (404 where it is not on)."""
        actor = self.acting(given)
        if tag_id not in item.tags:
            raise not_found("Tag not found", "tag_not_found")
        tag = item.tags[tag_id].tag
        acts.untag(item, actor, tag)
        return self.renderer.tag(tag)

    def say(self, acts: Any, item: Any, given: Json) -> Part:
        """A comment or note of an admin, or a comment of a contact, under a conversation or a ticket."""
        author, kind, words = need(given, "type", str), need(given, "message_type", str), need(given, "body", str)
        part: Part
        match author, kind:
            case "admin", "note":
                part = acts.note(item, self.acting(given), words)
            case "admin", "comment":
                part = acts.admin_replies(item, self.acting(given), words)
            case "user", "comment":
                part = acts.contact_replies(item, self.replying(given), words)
            case _:
                raise invalid(f"{author} cannot reply with {kind}", "message_type")
        return part
