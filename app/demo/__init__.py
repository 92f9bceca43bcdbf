"""The demo: a whole service on this machine, one invented testimony taken through it, everything printed.

Everything happens as in real use: separate processes, HTTPS, people with passwords and second factors, a device that
can only submit. What is different: one program plays all the people, and their sign-ins lie in a file.
"""

from app.demo.stage import run

__all__ = ["run"]
