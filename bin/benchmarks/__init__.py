"""What `bin/bench` measures, a module for each of its commands.

`machine` says where and with what; `quality` and `defaults` measure answers; `training` and `reply` measure speed,
beside the engines of `peers`, which run in environments of their own. `drivers` holds the processes that are measured
in turn, and `turns` speaks with them.
"""
