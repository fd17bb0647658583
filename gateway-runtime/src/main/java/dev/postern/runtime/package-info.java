/**
 * The engine: {@link dev.postern.runtime.VertxRuntime} runs a gateway on Vert.x, in a Vertx of its own or the host's, on
 * ports of its own or behind a server of the host.
 */
@NullMarked
package dev.postern.runtime;

import org.jspecify.annotations.NullMarked;
