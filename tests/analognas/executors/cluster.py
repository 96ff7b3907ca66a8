"""What every node of a test cluster has, and what an evaluation takes of it."""

from analognas.executors.ray_cluster import Demand

NODE = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
ONE = Demand(1, 0, None)
