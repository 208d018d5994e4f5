"""Work as values: recipes, tasks, executors, comparisons, and the history of a document."""
