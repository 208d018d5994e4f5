"""Work as values: recipes, tasks that run anywhere, executors, comparisons, and the history of a document."""
