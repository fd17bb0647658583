/**
 * From what happens to exchanges to what people see of it: the line of the access log, the meters, the trace that is
 * passed on, {@code Proxy-Status}. Used by every other package of the runtime, uses none of them.
 */
@NullMarked
package dev.postern.runtime.observe;

import org.jspecify.annotations.NullMarked;
