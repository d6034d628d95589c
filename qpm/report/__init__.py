"""Tables and figures of a study, from its rows alone: no network, no torch."""
