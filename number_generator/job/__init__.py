"""What is to be made, frozen and validated: the job, its handwriting, and what a dataset records of it."""
