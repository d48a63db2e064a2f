"""The representation space: distances, neighbours, clusters, projections, and what correlates with its axes."""
