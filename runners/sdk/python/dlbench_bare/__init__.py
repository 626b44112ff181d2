"""Bare loops: what a framework does when its own users write the loop by hand.

They are the yardstick for dlbench's runners (dlbench fidelity) and share no code with them: the
models are written as each framework's documentation shows, the loop is a for statement.
"""
