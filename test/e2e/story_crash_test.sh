#!/usr/bin/env bash
# The manager is killed twenty times at random during the life of a cluster: it ends the same, with
# the same data.
port=12443
source "$(dirname "${BASH_SOURCE[0]}")/story.sh"

start
under_kills 20 120 story
