"""The media routes of the demo gateway: pictures, films and sounds made on the spot, and their tasks."""
