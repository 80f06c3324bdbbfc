"""A serverless Kubernetes cluster: its API, its controllers and its virtual nodes."""
