"""Studies: a YAML file becomes trials, each trial one notebook run, each run one table of rows."""
