"""Training: clips, loss, loop. `config` and `sources` describe a training and load without torch."""
