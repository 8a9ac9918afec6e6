"""The sandbox desks, judged from outside and through their own doors."""
