"""How passwords are hashed: Argon2id at OWASP's 46 MiB setting, a third of Django's memory a login."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 46 * 1024
    parallelism = 1
