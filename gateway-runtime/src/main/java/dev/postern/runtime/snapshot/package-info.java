/** A config value checked, compared and compiled: what survives a swap, what begins, what ends. Plain Java: no Vert.x here. */
@NullMarked
package dev.postern.runtime.snapshot;

import org.jspecify.annotations.NullMarked;
