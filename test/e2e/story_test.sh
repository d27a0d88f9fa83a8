#!/usr/bin/env bash
# The life of a cluster that is used.
port=13443
source "$(dirname "${BASH_SOURCE[0]}")/story.sh"

start
story
