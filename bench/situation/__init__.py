"""What can keep a pod from its image, made one after the other on a running installation."""
