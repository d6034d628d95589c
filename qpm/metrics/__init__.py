"""Measures of masks, of scores and of differences between settings; numpy, scipy and scikit-learn only."""
