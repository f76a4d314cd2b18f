#!/usr/bin/python3
## Adds registry mirrors to docker's own configuration; the image's own keys stay. Python, because sh cannot merge JSON. docker does
## not start with a file that is not JSON, nor with an unknown key (moby: daemon/config).
"""Puts REGISTRY_MIRRORS into docker's daemon.json, before the existing mirrors."""

import json
import os
import sys

PATH = os.path.realpath("/etc/docker/daemon.json")


def read():
    try:
        with open(PATH, encoding="utf-8-sig") as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    try:
        config = json.loads(text) if text.strip() else {}
    except ValueError as error:
        sys.exit(f"daemon.json of the image cannot be read: {error}")
    if not isinstance(config, dict) or not isinstance(config.get("registry-mirrors", []), list):
        sys.exit("daemon.json of the image has another form than docker takes")
    return config


def main():
    config = read()
    ours = os.environ["REGISTRY_MIRRORS"].split()
    known = {mirror.rstrip("/") for mirror in ours}
    theirs = [mirror for mirror in config.get("registry-mirrors", []) if str(mirror).rstrip("/") not in known]
    config["registry-mirrors"] = ours + theirs
    os.makedirs(os.path.dirname(PATH), exist_ok=True)
    with open(PATH + ".new", "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
        file.write("\n")
    os.replace(PATH + ".new", PATH)


main()
