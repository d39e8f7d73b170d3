"""What changes on open pages: the log of runs in flight, and the feed of everything else."""
