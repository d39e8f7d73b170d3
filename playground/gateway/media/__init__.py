"""The media routes of the gateway as data: what each takes, how it is asked, and what its answers mean."""
