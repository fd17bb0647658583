/**
 * Runs the filters of an exchange and keeps its discipline: one owner, one deadline, one cancellation, one end. Knows
 * nothing of sockets: the last step and the way out are functions it is given.
 */
@NullMarked
package dev.postern.runtime.pipeline;

import org.jspecify.annotations.NullMarked;
