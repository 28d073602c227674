"""What goes through a network, measured: a Trace of one batch, a Recording of a run."""
