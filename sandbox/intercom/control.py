"""The control face's acts on an Intercom workspace: customers write, admins work in the inbox.

A ticket's id here is Intercom's id after its kind, `conversation:215470` or `ticket:215471`.
"""

from sandbox.common.acts import AgentEdit, ControlError, CustomerMessage
from sandbox.intercom.account import Workspace
from sandbox.intercom.conversations import Conversations
from sandbox.intercom.edits import Edits
from sandbox.intercom.inbox import Actor, by_admin, by_contact, ref
from sandbox.intercom.model import Contact, Conversation, Ticket
from sandbox.intercom.text import paragraphs
from sandbox.intercom.tickets import Tickets

CHANNELS = {
    "email": "email",
    "web": "conversation",
    "chat": "conversation",
    "phone": "phone_call",
    "sms": "sms",
    "whatsapp": "whatsapp",
    "facebook": "facebook",
    "instagram": "instagram",
    "twitter": "twitter",
}
"""`source.type` of what a customer writes by a channel."""

TICKET_FORM = "ticket"
"""The channel that opens a ticket instead of a conversation: the customer fills in the form of the first type."""


class Controls:
    """The acts; guarded by the lock of the desk. Every method may raise ControlError."""

    def __init__(self, space: Workspace, conversations: Conversations, tickets: Tickets) -> None:
        self.space, self.conversations, self.tickets = space, conversations, tickets
        self.edits = Edits(space, conversations, tickets)

    def customer_writes(self, message: CustomerMessage) -> str:
        """Open or continue a conversation or a ticket as the customer; its id."""
        contact = self.space.contact_of(message.email, message.name, self.conversations.clock())
        if message.ticket is not None:
            return self._reply(contact, message.ticket, message.body)
        if message.channel == TICKET_FORM:
            return self._fill_in(contact, message)
        if message.channel not in CHANNELS:
            known = ", ".join((*CHANNELS, TICKET_FORM))
            raise ControlError(f"Intercom has no channel '{message.channel}'; known are {known}")
        subject = message.subject or ""
        channel, tags = CHANNELS[message.channel], tuple(message.tags)
        return ref(self.conversations.write(contact, message.body, subject=subject, channel=channel, tags=tags))

    def _reply(self, contact: Contact, ticket: str, text: str) -> str:
        item, actor = self._item(ticket), by_contact(contact)
        if isinstance(item, Ticket):
            self.tickets.contact_replies(item, actor, text)
        else:
            self.conversations.contact_replies(item, actor, text)
        return ref(item)

    def _fill_in(self, contact: Contact, message: CustomerMessage) -> str:
        title = message.subject or message.body.partition("\n")[0][:80]
        values = {"_default_title_": title, "_default_description_": paragraphs(message.body)}
        kind = next(iter(self.space.types.values()))
        item = self.tickets.open(contact, kind, values, by_contact(contact))
        for name in message.tags:
            self.tickets.tag(item, by_admin(self.space.integration, "system"), self.space.tag_named(name))
        return ref(item)

    def agent_edits(self, edit: AgentEdit) -> None:
        """Work in the inbox as an admin: first the fields, then the reply, then the note."""
        item, actor = self._item(edit.ticket), by_admin(self.edits.admin(edit.agent), "agent")
        for name, value in edit.changes.items():
            self.edits.apply(item, actor, name, value)
        inbox: Conversations | Tickets = self.tickets if isinstance(item, Ticket) else self.conversations
        if edit.reply:
            self._answer(item, actor, edit.reply)
        if edit.note:
            inbox.note(item, actor, edit.note)

    def _answer(self, item: Conversation | Ticket, actor: Actor, text: str) -> None:
        if isinstance(item, Ticket):
            self.tickets.admin_replies(item, actor, text)
        else:
            self.conversations.admin_replies(item, actor, text)

    def _item(self, ticket: str) -> Conversation | Ticket:
        _, _, number = ticket.rpartition(":")
        found = self.space.conversations.get(number) or self.space.tickets.get(number)
        if found is None or ticket not in {number, ref(found)}:
            raise ControlError(f"no ticket '{ticket}'; GET /_sandbox/state lists them", 404)
        return found
