/** Asks endpoints whether they are well, and marks them. Plain Java: no Vert.x here. */
@NullMarked
package dev.postern.runtime.health;

import org.jspecify.annotations.NullMarked;
