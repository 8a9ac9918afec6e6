"""What if: a team's policy, and others beside it, against made-up or past tickets, without a desk."""
