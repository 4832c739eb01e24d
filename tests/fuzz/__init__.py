"""Fuzzing the exchange, both sides of it: any bytes into every parser, any call into every face.

python -m tests.fuzz --inputs 1000000 --seed 7
python -m tests.fuzz --seed 7 --only face --case 1234     # replays that one
"""
