#!/usr/bin/env bash
# The manager is killed ten times at random during the whole way: it ends the same.
port=15443
source "$(dirname "${BASH_SOURCE[0]}")/way.sh"

refuse_before_up
start
refuse
under_kills 10 100 way
