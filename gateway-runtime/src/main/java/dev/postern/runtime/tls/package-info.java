/** Certificates: which one is shown, who is believed, and how both follow their files. */
@NullMarked
package dev.postern.runtime.tls;

import org.jspecify.annotations.NullMarked;
