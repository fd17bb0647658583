/** Who the endpoints of an upstream are: fixed ones or those a discovery tells. Plain Java: no Vert.x here. */
@NullMarked
package dev.postern.runtime.discovery;

import org.jspecify.annotations.NullMarked;
