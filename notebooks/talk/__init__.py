"""The talk: an hour on Swin, a shorter one on Res2Net, a sheet for each, and questions for the discussion."""
