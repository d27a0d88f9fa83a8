#!/usr/bin/env bash
# From nothing to pods in a tenant cluster, and back to nothing; and what is refused on the way.
port=16443
source "$(dirname "${BASH_SOURCE[0]}")/way.sh"

refuse_before_up
start
refuse
way
refuses 'already exists' n create cluster beside
