#!/usr/bin/env python
"""Django's command line for the playground."""

import os
import sys

from playground import interrupts


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")
    try:
        interrupts.listen()
        execute()
    except KeyboardInterrupt:
        sys.exit(130)


def execute() -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        interrupts.check()
        # A wrong setting is the operator's to mend: one line, no traceback.
        sys.exit(str(error))


if __name__ == "__main__":
    main()
