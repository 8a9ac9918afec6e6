"""The receiver of webhooks, judged through HTTP."""
