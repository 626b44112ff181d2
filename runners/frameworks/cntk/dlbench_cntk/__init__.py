"""The runner of CNTK 2.7: dlbench's protocol in Python 2.7, the last that CNTK has wheels for."""
