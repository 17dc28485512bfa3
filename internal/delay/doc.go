// Package delay waits without outliving a context.
package delay
