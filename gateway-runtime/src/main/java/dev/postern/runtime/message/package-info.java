/**
 * Between the wire and the API: heads and bodies of Vert.x as {@link dev.postern.Request}, {@link dev.postern.Response},
 * {@link dev.postern.Headers}, {@link dev.postern.Body} and back. The rules for hop-by-hop fields and framing stand in
 * {@code Fields}, in one place for both directions.
 */
@NullMarked
package dev.postern.runtime.message;

import org.jspecify.annotations.NullMarked;
