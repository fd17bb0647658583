/**
 * One forwarded request: a connection from the pool of its loop, a head written anew, the body streamed, the response head
 * judged. {@code Forwarding} is the algorithm; the rest serves it.
 */
@NullMarked
package dev.postern.runtime.forward;

import org.jspecify.annotations.NullMarked;
