"""The default install: what `manage.py play` needs to start, and what it holds while nobody is there."""
