"""What the three sandbox desks share: the server, the control face, history, faults, limits and the webhook sender."""

from sandbox.common.acts import AgentEdit, ControlError, CustomerMessage
from sandbox.common.desk import SandboxDesk
from sandbox.common.faults import Faults
from sandbox.common.history import CallLog, History, Write
from sandbox.common.limits import Allowance, Limiter
from sandbox.common.server import Running, start
from sandbox.common.webhooks import Attempt, Delivery, Hook, Sender

__all__ = [
    "AgentEdit",
    "Allowance",
    "Attempt",
    "CallLog",
    "ControlError",
    "CustomerMessage",
    "Delivery",
    "Faults",
    "History",
    "Hook",
    "Limiter",
    "Running",
    "SandboxDesk",
    "Sender",
    "Write",
    "start",
]
