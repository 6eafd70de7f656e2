// Package sqlconn connects to PostgreSQL, MySQL, MariaDB and SQLite by the URLs that SQLAlchemy takes, runs statements,
// and gives values as a Python program would see them, in the form of JSON trees.
package sqlconn
