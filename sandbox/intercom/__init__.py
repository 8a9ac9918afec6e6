"""A local Intercom workspace that speaks REST (version 2.16) and sends webhooks, for the demo and the tests."""

from sandbox.intercom.desk import ACCESS_TOKEN, CLIENT_SECRET, PLANS, IntercomSandbox

__all__ = ["ACCESS_TOKEN", "CLIENT_SECRET", "PLANS", "IntercomSandbox"]
