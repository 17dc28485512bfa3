// Package bench measures dspool against a floor on the user's own machine.
//
// Every figure that can be a ratio is one, and both sides of it run in turn
// within the same run: two noisy cores make absolute numbers worth little.
// The floor of the echo figures is a bare byte-echo process behind the same Go
// client over the same kind of socketpair: it parses nothing and allocates
// nothing, so what is above it is the price of Python, of JSON and of all that
// the pool promises. Predictions are compared with what others do: FastAPI, and
// one asyncio process, whose programs and environment are in bench/peers.
package bench
