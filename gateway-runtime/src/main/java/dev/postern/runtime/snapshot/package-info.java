/**
 * A configuration as a value: what is wrong with it, what it would change, what outlives it. Plain Java: no Vert.x here.
 */
@NullMarked
package dev.postern.runtime.snapshot;

import org.jspecify.annotations.NullMarked;
